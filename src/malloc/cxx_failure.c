/*
 * Throwing and catching from C. The C++ library and its unwinder are asked for by name: by weak
 * references where the program is linked with them, else, where a program loaded them later, from
 * the library the loader has. A catch block is a call frame with a personality routine of its own
 * (Itanium C++ ABI, "Exception Handling", 2.5): the routine says yes to what the handler throws
 * and sends the unwinder to the frame's second exit.
 */
#define _GNU_SOURCE
#include "malloc/cxx_failure.h"

#include "os/os.h"

#include <dlfcn.h>
#include <unwind.h>

typedef void new_handler(void);

extern new_handler *_ZSt15get_new_handlerv(void) __attribute__((weak));
extern void _ZSt17__throw_bad_allocv(void) __attribute__((weak));
extern void *__cxa_allocate_exception(size_t size) __attribute__((weak));
extern void __cxa_throw(void *exception, void *type, void (*destroy)(void *)) __attribute__((weak));
extern void *__cxa_begin_catch(void *exception) __attribute__((weak));
extern void __cxa_end_catch(void) __attribute__((weak));
extern char _ZTISt9bad_alloc[] __attribute__((weak));
extern void *_ZTVSt9bad_alloc[] __attribute__((weak));
extern void _ZNSt9bad_allocD1Ev(void *exception) __attribute__((weak));
#pragma weak _Unwind_SetGR
#pragma weak _Unwind_SetIP

typedef void function(void);

#ifdef TN_CXX_LINKED

static function *
loaded(const char *name)
{
    (void)name;
    return NULL;
}

#else

/* A function the program was not linked with, from a C++ library loaded since; NULL: none. */
static function *
loaded(const char *name)
{
    static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            union {
                void *object;
                function *code;
            } found = {dlsym(library, name)};
            dlclose(library);
            if (found.code != NULL) {
                return found.code;
            }
        }
    }
    return NULL;
}

#endif

/* The function, be it linked or loaded. */
#define FIND(name) (name != NULL ? (function *)(name) : loaded(#name))

static new_handler *
current_handler(void)
{
    new_handler *(*get)(void) = (new_handler * (*)(void)) FIND(_ZSt15get_new_handlerv);
    return get != NULL ? get() : NULL;
}

bool
tn_cxx_new_handler(void)
{
    new_handler *handler = current_handler();
    if (handler == NULL) {
        return false;
    }
    handler();
    return true;
}

void
tn_cxx_throw(void)
{
    function *thrower = FIND(_ZSt17__throw_bad_allocv);
    if (thrower != NULL) {
        thrower();
    }
    /* A static program may have what it catches by, but not that function. */
    if (__cxa_allocate_exception != NULL && __cxa_throw != NULL && _ZTISt9bad_alloc != NULL &&
        _ZTVSt9bad_alloc != NULL && _ZNSt9bad_allocD1Ev != NULL) {
        void **exception = __cxa_allocate_exception(sizeof(void *));
        *exception = &_ZTVSt9bad_alloc[2];
        __cxa_throw(exception, _ZTISt9bad_alloc, _ZNSt9bad_allocD1Ev);
    }
    tn_os_die("operator new: no memory, and no C++ library to throw std::bad_alloc");
}

#if (defined(__x86_64__) && defined(__LP64__)) || defined(__aarch64__)

/* Calls the handler: NULL when it returned, else what it threw. */
void *tn_cxx_call(new_handler *handler) __attribute__((visibility("hidden")));
_Unwind_Reason_Code
tn_cxx_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class kind,
                   struct _Unwind_Exception *exception, struct _Unwind_Context *context)
    __attribute__((visibility("hidden")));

#    if defined(__x86_64__)
#        define POINTER_TO_DATA 0 /* the register that brings the exception: rax */
__asm__(".text\n"
        ".globl tn_cxx_call\n"
        ".hidden tn_cxx_call\n"
        ".type tn_cxx_call, @function\n"
        "tn_cxx_call:\n"
        "    .cfi_startproc\n"
        "    .cfi_personality 0x9b, tn_cxx_personality_pointer\n"
        "    .cfi_lsda 0x1b, tn_cxx_call\n"
        "    sub $8, %rsp\n"
        "    .cfi_def_cfa_offset 16\n"
        "    call *%rdi\n"
        "    xor %eax, %eax\n"
        "tn_cxx_call_caught:\n"
        "    add $8, %rsp\n"
        "    .cfi_def_cfa_offset 8\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size tn_cxx_call, . - tn_cxx_call\n"
        ".section .data.rel.ro, \"aw\"\n"
        ".balign 8\n"
        "tn_cxx_personality_pointer: .quad tn_cxx_personality\n"
        ".text\n");
#    else
#        define POINTER_TO_DATA 0 /* x0 */
__asm__(".text\n"
        ".globl tn_cxx_call\n"
        ".hidden tn_cxx_call\n"
        ".type tn_cxx_call, %function\n"
        "tn_cxx_call:\n"
        "    .cfi_startproc\n"
        "    .cfi_personality 0x9b, tn_cxx_personality_pointer\n"
        "    .cfi_lsda 0x1b, tn_cxx_call\n"
        "    stp x29, x30, [sp, #-16]!\n"
        "    .cfi_def_cfa_offset 16\n"
        "    .cfi_offset x29, -16\n"
        "    .cfi_offset x30, -8\n"
        "    blr x0\n"
        "    mov x0, #0\n"
        "tn_cxx_call_caught:\n"
        "    ldp x29, x30, [sp], #16\n"
        "    .cfi_def_cfa_offset 0\n"
        "    .cfi_restore x29\n"
        "    .cfi_restore x30\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size tn_cxx_call, . - tn_cxx_call\n"
        ".section .data.rel.ro, \"aw\"\n"
        ".balign 8\n"
        "tn_cxx_personality_pointer: .xword tn_cxx_personality\n"
        ".text\n");
#    endif

extern char tn_cxx_call_caught[] __attribute__((visibility("hidden")));

_Unwind_Reason_Code
tn_cxx_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class kind,
                   struct _Unwind_Exception *exception, struct _Unwind_Context *context)
{
    (void)kind;
    if (version != 1 || (actions & _UA_FORCE_UNWIND)) {
        return _URC_CONTINUE_UNWIND; /* a thread being cancelled goes on */
    }
    if (actions & _UA_SEARCH_PHASE) {
        return _URC_HANDLER_FOUND;
    }
    if (!(actions & _UA_HANDLER_FRAME)) {
        return _URC_CONTINUE_UNWIND;
    }
    void (*set_register)(struct _Unwind_Context *, int, _Unwind_Word) =
        (void (*)(struct _Unwind_Context *, int, _Unwind_Word))FIND(_Unwind_SetGR);
    void (*set_address)(struct _Unwind_Context *, _Unwind_Ptr) =
        (void (*)(struct _Unwind_Context *, _Unwind_Ptr))FIND(_Unwind_SetIP);
    if (set_register == NULL || set_address == NULL) {
        return _URC_FATAL_PHASE2_ERROR;
    }
    set_register(context, POINTER_TO_DATA, (_Unwind_Word)exception);
    set_address(context, (_Unwind_Ptr)tn_cxx_call_caught);
    return _URC_INSTALL_CONTEXT;
}

bool
tn_cxx_new_handler_caught(void)
{
    new_handler *handler = current_handler();
    if (handler == NULL) {
        return false;
    }
    void *exception = tn_cxx_call(handler);
    if (exception == NULL) {
        return true;
    }
    void *(*begin)(void *) = (void *(*)(void *))FIND(__cxa_begin_catch);
    function *end = FIND(__cxa_end_catch);
    if (begin != NULL && end != NULL) {
        begin(exception);
        end();
    }
    return false;
}

#else

/* Nothing is caught here: a handler that throws out of a nothrow form ends the program. */
bool
tn_cxx_new_handler_caught(void)
{
    return tn_cxx_new_handler();
}

#endif
