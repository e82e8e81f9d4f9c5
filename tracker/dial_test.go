package tracker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// front is a server that passes what it gets on to another, over TLS or as an HTTP proxy.
type front struct {
	*httptest.Server
	tunnels atomic.Int64
}

func (f *front) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(f.URL, "https://"), "http://")
}

func (f *front) roots() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(f.Certificate())
	return &tls.Config{RootCAs: pool}
}

// newTLSFront is a wss:// in front of a ws://.
func newTLSFront(t *testing.T, target string) *front {
	t.Helper()
	f := &front{Server: httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		back, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if err := r.Write(back); err != nil {
			t.Error(err)
		}
		splice(c, back)
	}))}
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

// newProxy is an HTTP proxy that wants a password.
func newProxy(t *testing.T, secure bool) *front {
	t.Helper()
	f := &front{}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:lovelace"))
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		back, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		f.tunnels.Add(1)
		fmt.Fprint(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		splice(c, back)
	}))
	if secure {
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Close)
	return f
}

func splice(a, b net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			io.Copy(pair[0], pair[1])
			pair[0].Close()
		})
	}
	both.Wait()
}

// A session works over TLS and through proxies as it does without, and its code and
// events are seen all the same.
func TestSessionOverTLSAndProxies(t *testing.T) {
	type test struct{ tls, proxy, tlsProxy bool }
	together(t, map[string]test{
		"TLS":                        {tls: true},
		"a proxy":                    {proxy: true},
		"TLS through a proxy":        {tls: true, proxy: true},
		"TLS through a proxy of TLS": {tls: true, proxy: true, tlsProxy: true},
	}, func(t *testing.T, test test) {
		sim, c, ada := startSim(t, simulator.Options{})
		d := dialer{proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}
		if test.tls {
			f := newTLSFront(t, strings.TrimPrefix(sim.URL(), "http://"))
			d.tls = f.roots()
			sim.EveryREST(simulator.RouteGateway, simulator.Body(fmt.Sprintf(`{"url":"wss://%s"}`, f.host())))
		}
		var proxy *front
		if test.proxy {
			proxy = newProxy(t, test.tlsProxy)
			if test.tlsProxy {
				d.tls.RootCAs.AddCert(proxy.Certificate())
			}
			d.proxy = func(r *http.Request) (*url.URL, error) {
				if want := map[bool]string{true: "https", false: "http"}[test.tls]; r.URL.Scheme != want {
					t.Errorf("the proxy is asked for by %s, want %s", r.URL.Scheme, want)
				}
				u, err := url.Parse(proxy.URL)
				u.User = url.UserPassword("ada", "lovelace")
				return u, err
			}
		}
		heard := make(chan string, 1)
		s := newLone(t, sim, quick(), func(name string, data json.RawMessage) error {
			if m, err := decodeMessage(data); err == nil && name == "MESSAGE_CREATE" {
				heard <- m.Content
			}
			return nil
		})
		s.dialer = d
		ctx := within(t)
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		await(t, "READY", s.ups)
		if _, err := c.Say(ctx, ada, "hello"); err != nil {
			t.Fatal(err)
		}
		if got := await(t, "the message", heard); got != "hello" {
			t.Errorf("heard %q", got)
		}
		for _, conn := range sim.Conns() {
			conn.Close(4009, "too long")
		}
		if err := await(t, "the end", ended); !endsSession(err) {
			t.Errorf("the session ended with %v, want code 4009", err)
		}
		if proxy != nil && proxy.tunnels.Load() != 1 {
			t.Errorf("%d connections went through the proxy", proxy.tunnels.Load())
		}
	})
}

func TestDialFails(t *testing.T) {
	t.Parallel()
	secure := newTLSFront(t, "127.0.0.1:1")
	proxy := newProxy(t, false)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	via := func(address string) func(*http.Request) (*url.URL, error) {
		return func(*http.Request) (*url.URL, error) { return url.Parse(address) }
	}
	direct := func(*http.Request) (*url.URL, error) { return nil, nil }
	withPassword := strings.Replace(proxy.URL, "//", "//ada:lovelace@", 1)
	tests := map[string]struct {
		d      dialer
		addr   string
		secure bool
		says   string
	}{
		"nobody there":                {dialer{proxy: direct}, "127.0.0.1:1", false, "refused"},
		"a certificate of nobody":     {dialer{proxy: direct}, secure.host(), true, "certificate"},
		"no TLS":                      {dialer{proxy: direct}, proxy.URL[len("http://"):], true, "tls"},
		"TLS that says nothing":       {dialer{proxy: direct}, silent.Addr().String(), true, context.DeadlineExceeded.Error()},
		"a proxy that says nothing":   {dialer{proxy: via("http://" + silent.Addr().String())}, "x:443", true, "proxy http://127.0.0.1"},
		"a proxy with another secret": {dialer{proxy: via(strings.Replace(withPassword, "lovelace", "byron", 1))}, "x:443", true, "407"},
		"a proxy that finds nobody":   {dialer{proxy: via(withPassword)}, "127.0.0.1:1", true, "502"},
		"a proxy that is not there":   {dialer{proxy: via("http://ada:lovelace@127.0.0.1:1")}, "x:443", true, "refused"},
		"a proxy of another kind":     {dialer{proxy: via("socks5://127.0.0.1:1")}, "x:443", true, "only http and https"},
		"a proxy that is no address":  {dialer{proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("no address") }}, "x:443", true, "no address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c, err := test.d.dial(ctx, test.addr, test.secure)
			if err == nil {
				c.Close()
				t.Fatal("connected")
			}
			if !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "lovelace") || strings.Contains(err.Error(), "byron") {
				t.Errorf("error %q, want one with %q and no password", err, test.says)
			}
		})
	}
}
