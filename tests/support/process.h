/* What other processes of this machine have used, from /proc. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* CPU time in us of the process, of its children, and of those it has waited for; 0 where it is gone. In ticks of the system, mostly 10 ms. */
int64_t process_cpu_us(pid_t pid);

/* Ends the program where there is no such process here. */
pid_t process_parent(pid_t pid);

#endif
