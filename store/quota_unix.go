//go:build unix

package store

import "syscall"

// errQuota is what a write says when the owner's share of the disk is used up.
const errQuota = syscall.EDQUOT
