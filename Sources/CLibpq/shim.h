#include <libpq-fe.h>
// What a connection's thread waits on beside the socket.
#include <sys/eventfd.h>
