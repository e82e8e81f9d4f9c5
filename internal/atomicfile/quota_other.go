//go:build !unix

package atomicfile

import "syscall"

// ErrQuota stands for an exhausted quota, which is an ordinary full disk here.
const ErrQuota = syscall.ENOSPC
