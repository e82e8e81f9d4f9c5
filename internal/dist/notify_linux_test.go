package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// notifications is the socket on which systemd listens to a service.
type notifications struct {
	inside string // its path in the machine
	conn   *net.UnixConn
}

func newNotifications(m *machine) *notifications {
	m.t.Helper()
	n := &notifications{inside: "/run/rollcall-notify"}
	os.Remove(m.path(n.inside)) // of the start before
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path(n.inside), Net: "unixgram"})
	if err != nil {
		m.t.Fatal(err)
	}
	n.conn = conn
	m.t.Cleanup(func() { conn.Close() })
	if err := os.Chmod(m.path(n.inside), 0o777); err != nil {
		m.t.Fatal(err)
	}
	return n
}

// await waits for a line.
func (n *notifications) await(line string) error {
	n.conn.SetReadDeadline(time.Now().Add(within))
	packet := make([]byte, 4096)
	for {
		size, err := n.conn.Read(packet)
		if err != nil {
			return fmt.Errorf("no %s: %w", line, err)
		}
		if slices.Contains(strings.Split(string(packet[:size]), "\n"), line) {
			return nil
		}
	}
}
