// Boost.Interprocess, a managed file; offsets in place of pointers.
#include "peer.h"

#include <boost/interprocess/managed_mapped_file.hpp>

namespace bi = boost::interprocess;

static bi::managed_mapped_file *file;

void
peer_create(const char *path, size_t room)
{
    file = new bi::managed_mapped_file(bi::create_only, path, room * 3 / 2);
}

void
peer_open(const char *path)
{
    file = new bi::managed_mapped_file(bi::open_only, path);
}

void
peer_close(void)
{
    delete file;
}

int
peer_commit(void)
{
    return 0;
}

void *
peer_alloc(size_t size)
{
    return file->allocate(size);
}

void
peer_free(void *p)
{
    file->deallocate(p);
}

uint64_t
peer_reference(void *p)
{
    return static_cast<uint64_t>(file->get_handle_from_address(p));
}

void *
peer_pointer(uint64_t reference)
{
    return file->get_address_from_handle(static_cast<bi::managed_mapped_file::handle_t>(reference));
}

void
peer_set_root(uint64_t reference)
{
    *file->find_or_construct<uint64_t>("root")() = reference;
}

uint64_t
peer_root(void)
{
    return *file->find_or_construct<uint64_t>("root")();
}
