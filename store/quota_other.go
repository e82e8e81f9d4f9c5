//go:build !unix

package store

import "syscall"

// errQuota stands for an exhausted quota, which is an ordinary full disk here.
const errQuota = syscall.ENOSPC
