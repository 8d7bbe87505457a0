// SPDX-License-Identifier: Apache-2.0
/* Sleeps until it is told to end, and buries the orphans of its process namespace meanwhile.
 * It is the pause container of the pods, process 1 of a node, and the one program of the image
 * without a shell. Given a file name, it writes its process id there first. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int number) {
    (void)number;
    _exit(0);
}

static void bury(int number) {
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

int main(int count, char** words) {
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = bury;
    action.sa_flags = SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, NULL);
    if (count > 1) {
        FILE* file = fopen(words[1], "w");
        if (file == NULL || fprintf(file, "%d\n", (int)getpid()) < 0 || fclose(file) != 0) {
            perror(words[1]);
            return 1;
        }
    }
    for (;;) {
        pause();
    }
}
