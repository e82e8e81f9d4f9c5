package backup

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startLow starts a process that others on the machine come before. Niceness is a
// thread's and is inherited; only root could take it back. So a thread is made for it
// that ends with the goroutine, which does not unlock it.
func startLow(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		syscall.Setpriority(syscall.PRIO_PROCESS, 0, 15) // if we may: systemd's filter forbids it
		started <- cmd.Start()
	}()
	return <-started
}
