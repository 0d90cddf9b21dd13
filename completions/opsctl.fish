complete --keep-order --exclusive --command opsctl --arguments "(OPSCTL_COMPLETE=fish opsctl -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
