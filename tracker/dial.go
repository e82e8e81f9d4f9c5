package tracker

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// dialer opens the connections below the websocket. It does TLS and the
// environment's proxy itself, because wire has to stand above both.
type dialer struct {
	tls   *tls.Config // nil: the system's
	proxy func(*http.Request) (*url.URL, error)
}

// dial connects to addr, over TLS if secure. ctx bounds all of it.
func (d dialer) dial(ctx context.Context, addr string, secure bool) (net.Conn, error) {
	target := &url.URL{Scheme: "http", Host: addr}
	if secure {
		target.Scheme = "https"
	}
	proxy, err := d.proxy(&http.Request{URL: target})
	if err != nil {
		return nil, fmt.Errorf("proxy for %s: %w", addr, err)
	}
	var c net.Conn
	if proxy == nil {
		c, err = dialTCP(ctx, addr)
	} else {
		c, err = d.tunnel(ctx, proxy, addr)
	}
	if err != nil || !secure {
		return c, err
	}
	return d.handshake(ctx, c, addr)
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	nd := net.Dialer{Timeout: 10 * time.Second}
	return nd.DialContext(ctx, "tcp", addr)
}

// handshake does the client's side of TLS, and closes c if that fails.
func (d dialer) handshake(ctx context.Context, c net.Conn, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		c.Close()
		return nil, err
	}
	config := d.tls.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	config.ServerName = host
	config.NextProtos = []string{"http/1.1"} // a websocket cannot be opened over HTTP/2 here
	t := tls.Client(c, config)
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}

// tunnel asks an HTTP proxy for a connection to addr.
func (d dialer) tunnel(ctx context.Context, proxy *url.URL, addr string) (net.Conn, error) {
	if proxy.Scheme != "http" && proxy.Scheme != "https" {
		return nil, fmt.Errorf("proxy %s: only http and https proxies are supported", proxy.Redacted())
	}
	at := proxy.Host
	if proxy.Port() == "" {
		at = net.JoinHostPort(proxy.Hostname(), map[string]string{"http": "80", "https": "443"}[proxy.Scheme])
	}
	c, err := dialTCP(ctx, at)
	if err == nil && proxy.Scheme == "https" {
		c, err = d.handshake(ctx, c, at)
	}
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Redacted(), err)
	}
	if err := connect(ctx, c, proxy.User, addr); err != nil {
		c.Close()
		return nil, fmt.Errorf("proxy %s: %w", proxy.Redacted(), err)
	}
	return c, nil
}

// connect is the exchange with the proxy. Nothing follows its answer before we
// have spoken, so the reader's buffer holds nothing back.
func connect(ctx context.Context, c net.Conn, user *url.Userinfo, addr string) error {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: make(http.Header)}
	if user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := req.Write(c); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("CONNECT %s: %s", addr, oneLine(resp.Status))
	}
	return nil
}
