//go:build unix

package atomicfile

import "syscall"

// ErrQuota is what a write says when the owner's share of the disk is used up.
const ErrQuota = syscall.EDQUOT
