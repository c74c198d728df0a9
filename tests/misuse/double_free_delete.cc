// operator delete of an object that is gone.
#include "misuse/announce.h"

int
main()
{
    int *object = new int(4);
    delete static_cast<int *>(opaque(object));
    misuse_announce(object);
    ::operator delete(opaque(object));
    return 0;
}
