# The commands of the project; each is a script, which can also be run by itself from any folder.

PREFIX ?= $(HOME)/.local
# By the shell, since make's own functions split a folder's name at its blanks.
scripts := $(shell cd "$$(dirname -- "$$(printf '%s' '$(MAKEFILE_LIST)' | sed 's/^ *//')")" && pwd)/scripts

.PHONY: help setup demo test install

help:
	@echo 'make demo      set up what is missing, build, render examples/eclipse'
	@echo 'make test      set up what is missing, run every check'
	@echo 'make install   build, and put reel into PREFIX (now $(PREFIX))'
	@echo 'make setup     set up what is missing, nothing else'

setup:
	@'$(scripts)/setup.sh'

demo:
	@'$(scripts)/demo.sh'

test:
	@'$(scripts)/test.sh'

install:
	@'$(scripts)/install.sh' '$(PREFIX)'
