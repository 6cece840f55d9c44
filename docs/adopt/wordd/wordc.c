/* SPDX-License-Identifier: MIT */
/* wordc.c - sends its standard input to wordd and prints the answer. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
copy(int from, int to)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return -1;
	return (int)n;
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: wordc SOCKET <FILE\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    copy(0, fd) == -1 || shutdown(fd, SHUT_WR) == -1 ||
	    copy(fd, 1) == -1) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
