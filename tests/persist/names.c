/*
 * What an image's files are called and whose they are: other working directories, symbolic and hard
 * links, files of other people at the journal's place, permissions, names that are too long, files
 * that are no images.
 *
 *     names FOLDER
 */
#include <tarn/persist.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAPACITY ((size_t)4 << 20)

static const char *doing;

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "names: %s: %s (errno %d, \"%s\")\n", doing, what, errno, tarn_error());
        exit(1);
    }
}

static void
refused(tarn_heap *heap, int code, const char *word)
{
    need(heap == NULL && errno == code, "is done, or fails in another way");
    need(strstr(tarn_error(), word) != NULL, "does not say what is to be said");
}

static void
make(const char *path)
{
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = CAPACITY});
    need(heap != NULL, "cannot be made");
    tarn_set_root(heap, tarn_heap_zalloc(heap, sizeof(int)));
    need(tarn_close(heap) == 0, "cannot be closed");
}

/* Its journal stays beside it. */
static void
commit_and_leave(tarn_heap *heap, int number)
{
    need(heap != NULL, "cannot be opened");
    *(int *)tarn_root(heap) = number;
    need(tarn_commit(heap) == 0, "cannot be committed");
    tarn_close_without_commit(heap);
}

static void
has(const char *path, int number)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    need(heap != NULL, "cannot be opened to read");
    need(*(int *)tarn_root(heap) == number, "is at another commit");
    tarn_close(heap);
    need(tarn_check(path, NULL, NULL) == 0, "the check finds something");
}

static bool
there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void
write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    need(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "a text cannot be written");
}

static void
still_has(const char *path, const char *text)
{
    char found[100] = {0};
    FILE *in = fopen(path, "r");
    need(in != NULL, "a file that is not the image's is gone");
    (void)!fread(found, 1, sizeof found - 1, in);
    fclose(in);
    need(strcmp(found, text) == 0, "a file that is not the image's was written to");
}

static void
elsewhere(void)
{
    doing = "the working directory changed after opening";
    char here[4096];
    need(getcwd(here, sizeof here) != NULL && mkdir("other", 0700) == 0, "no folder");
    make("a");
    tarn_heap *heap = tarn_open("a", NULL);
    need(chdir("other") == 0, "cannot be entered");
    commit_and_leave(heap, 1);
    need(chdir(here) == 0 && !there("other/a-journal") && there("a-journal"), "journal astray");
    has("a", 1);
    unlink("a");
    unlink("a-journal");
    rmdir("other");
}

static void
links(void)
{
    doing = "a symbolic link";
    make("a");
    need(mkdir("other", 0700) == 0 && symlink("../a", "other/b") == 0, "no link");
    commit_and_leave(tarn_open("other/b", NULL), 1);
    has("a", 1);
    has("other/b", 1);
    commit_and_leave(tarn_open("a", NULL), 2);
    has("other/b", 2);
    need(!there("other/b-journal"), "a journal beside the link");
    doing = "a hard link";
    need(link("a", "c") == 0, "no link");
    refused(tarn_open("c", NULL), EMLINK, "c: is one of 2 names");
    refused(tarn_open("a", NULL), EMLINK, "a: is one of 2 names");
    has("a", 2);
    unlink("c");
    has("a", 2);
    unlink("a");
    unlink("a-journal");
    unlink("other/b");
    rmdir("other");
}

static void
no_files(void)
{
    doing = "a FIFO";
    need(mkfifo("a", 0600) == 0, "no FIFO");
    refused(tarn_open("a", NULL), EINVAL, "no regular file");
    refused(tarn_open("a", &(tarn_options){.flags = TARN_READ_ONLY}), EINVAL, "no regular file");
    need(tarn_check("a", NULL, NULL) == -1 && errno == EINVAL, "is checked");
    unlink("a");
}

/* What is at the journal's place and is not this image's journal stays as it is. */
static void
strangers(void)
{
    doing = "a symbolic link in the journal's place";
    make("a");
    write_text("victim", "precious");
    need(symlink("victim", "a-journal") == 0, "no link");
    refused(tarn_open("a", NULL), EBADMSG, "a-journal: is a symbolic link");
    need(tarn_check("a", NULL, NULL) > 0, "is not found by the check");
    unlink("a-journal");
    tarn_heap *heap = tarn_open("a", NULL);
    *(int *)tarn_root(heap) = 1;
    need(symlink("victim", "a-journal") == 0, "no link");
    need(tarn_commit(heap) == -1 && errno == EEXIST, "commits by a link made since the opening");
    unlink("a-journal");
    need(tarn_commit(heap) == 0, "cannot be committed");
    tarn_close_without_commit(heap);
    has("a", 1);
    still_has("victim", "precious");
    doing = "another file in the journal's place";
    unlink("a-journal");
    write_text("a-journal", "notes");
    refused(tarn_open("a", NULL), EBADMSG, "is no journal");
    unlink("a");
    refused(tarn_create("a", &(tarn_options){.capacity = CAPACITY}), EEXIST, "is no journal");
    still_has("a-journal", "notes");
    unlink("a");
    unlink("a-journal");
    doing = "a FIFO in the journal's place";
    make("a");
    need(mkfifo("a-journal", 0600) == 0, "no FIFO");
    refused(tarn_open("a", NULL), EBADMSG, "is no journal");
    refused(tarn_open("a", &(tarn_options){.flags = TARN_READ_ONLY}), EBADMSG, "is no journal");
    unlink("a-journal");
    doing = "an image renamed, and another of its name";
    heap = tarn_open("a", NULL);
    *(int *)tarn_root(heap) = 2;
    need(tarn_commit(heap) == 0, "cannot be committed");
    need(rename("a", "b") == 0 && rename("a-journal", "b-journal") == 0, "cannot be renamed");
    pid_t child = fork();
    if (child == 0) {
        tarn_close_without_commit(heap);
        make("a");
        commit_and_leave(tarn_open("a", NULL), 3);
        _exit(0);
    }
    int status;
    need(waitpid(child, &status, 0) == child && status == 0, "the other failed");
    *(int *)tarn_root(heap) = 4;
    need(tarn_close(heap) == 0, "cannot be closed");
    has("a", 3);
    has("b", 4);
    unlink("a");
    unlink("a-journal");
    unlink("b");
    unlink("b-journal");
    unlink("victim");
}

static bool
has_mode(const char *path, unsigned mode, unsigned owner, unsigned group)
{
    struct stat status;
    return lstat(path, &status) == 0 && (status.st_mode & 0777) == mode && status.st_uid == owner &&
           status.st_gid == group;
}

static void
permissions(void)
{
    doing = "permissions";
    umask(022);
    tarn_heap *heap = tarn_create("a", &(tarn_options){.capacity = CAPACITY, .mode = 0600});
    need(heap != NULL, "cannot be made");
    tarn_set_root(heap, tarn_heap_zalloc(heap, sizeof(int)));
    need(tarn_commit(heap) == 0 && tarn_snapshot(heap, "b") == 0, "cannot be written");
    need(has_mode("a-journal", 0600, getuid(), getgid()), "a journal that others can read");
    need(has_mode("b", 0600, getuid(), getgid()), "a snapshot that others can read");
    need(tarn_checkpoint(heap) == 0 && tarn_close(heap) == 0, "cannot be closed");
    unsigned owner = getuid() == 0 ? 12345 : getuid();
    need(chmod("a", 0660) == 0 && chown("a", owner, getgid()) == 0, "whose it is");
    commit_and_leave(tarn_open("a", NULL), 1);
    need(has_mode("a-journal", 0660, owner, getgid()), "a journal its owner cannot write to");
    unlink("a");
    unlink("a-journal");
    unlink("b");
}

static void
no_images(void)
{
    doing = "a file that begins with zeros";
    char found[9] = {0};
    for (off_t at = 8192; at <= 1 << 20; at *= 2) {
        int file = open("a", O_RDWR | O_CREAT | O_TRUNC, 0600);
        need(file >= 0 && pwrite(file, "precious", 8, at) == 8, "cannot be written");
        refused(tarn_create("a", &(tarn_options){.capacity = CAPACITY}), EEXIST, "there already");
        refused(tarn_open("a", &(tarn_options){.flags = TARN_CREATE}), EINVAL, "is no image");
        need(pread(file, found, 8, at) == 8 && strcmp(found, "precious") == 0, "is lost");
        need(ftruncate(file, 0) == 0 && ftruncate(file, (off_t)1 << 20) == 0, "not made zero");
        close(file);
        make("a"); /* over nothing but zeros */
        unlink("a");
    }
    doing = "a check at opening";
    write_text("a", "this is no image");
    refused(tarn_open("a", &(tarn_options){.flags = TARN_VERIFY}), EINVAL, "a: is no image");
    write_text("a", "");
    tarn_options options = {.flags = TARN_VERIFY | TARN_CREATE, .capacity = CAPACITY};
    tarn_heap *heap = tarn_open("a", &options);
    need(heap != NULL && tarn_close(heap) == 0, "an empty file cannot be made an image");
    write_text("a-journal", "notes");
    refused(tarn_open("a", &options), EBADMSG, "-journal: is there, and is no journal");
    need(strstr(strstr(tarn_error(), "journal") + 8, "-journal") == NULL, "is named twice");
    unlink("a");
    unlink("a-journal");
}

static void
makings(void)
{
    doing = "a making that fails";
    refused(tarn_create("a", &(tarn_options){.capacity = 4096}), EINVAL, "too little");
    need(!there("a"), "a file is left");
    write_text("a", "");
    refused(tarn_create("a", &(tarn_options){.capacity = 4096}), EINVAL, "too little");
    need(there("a"), "an empty file that was there before is gone");
    unlink("a");
    doing = "long names";
    char name[256];
    char copy[256];
    char too_long[256] = {0};
    memset(name, 'a', sizeof name);
    name[255] = 0;
    refused(tarn_create(name, &(tarn_options){.capacity = CAPACITY}), ENAMETOOLONG, "journal");
    need(!there(name), "a file is left");
    name[248] = 0;
    refused(tarn_create(name, &(tarn_options){.capacity = CAPACITY}), ENAMETOOLONG, "journal");
    name[247] = 0;
    memcpy(copy, name, sizeof copy);
    copy[0] = 'b';
    make(name);
    tarn_heap *heap = tarn_open(name, NULL);
    *(int *)tarn_root(heap) = 1;
    need(tarn_commit(heap) == 0 && tarn_snapshot(heap, copy) == 0, "cannot be written");
    memset(too_long, 'b', 250);
    need(tarn_snapshot(heap, too_long) == -1 && errno == ENAMETOOLONG, "that could not be opened");
    need(tarn_checkpoint(heap) == 0 && tarn_close(heap) == 0, "cannot be closed");
    has(copy, 1);
    unlink(copy);
    unlink(name);
}

/* What a run that failed has left. */
static void
sweep(const char *folder)
{
    DIR *list = opendir(folder);
    need(list != NULL, "cannot be read");
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        unlinkat(dirfd(list), entry->d_name, 0);
    }
    closedir(list);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: names FOLDER\n");
        return 2;
    }
    doing = "making a folder";
    mkdir(argv[1], 0700);
    need(chdir(argv[1]) == 0, "cannot be entered");
    if (there("other")) {
        sweep("other");
        rmdir("other");
    }
    sweep(".");
    alarm(50);
    elsewhere();
    links();
    no_files();
    strangers();
    permissions();
    no_images();
    makings();
    need(chdir("..") == 0 && rmdir(argv[1]) == 0, "something is left");
    return 0;
}
