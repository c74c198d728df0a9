// delete of an object of another size.
#include "misuse/announce.h"

int
main()
{
    struct wide {
        char bytes[72];
    };
    wide *other = static_cast<wide *>(opaque(new char));
    misuse_announce(other);
    delete other;
    return 0;
}
