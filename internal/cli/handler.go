package cli

import (
	"log/slog"
	"net/http"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/mcp"
	"rollcall/internal/web"
)

// Handler puts together what the daemon serves over TCP: the API, over it the page, unless there is no
// door to it, and the tools for language models, if they are asked for; called is told of each call of one.
func Handler(c config.Config, server *api.Server, door *web.Door, called func(tool, result string), log *slog.Logger) (http.Handler, error) {
	handler, err := web.Over(server.TCP(), web.Options{API: server.Socket(), Door: door, Ours: server.Ours, Zone: c.TZ.Location(), Log: log})
	if err != nil || !c.MCP {
		return handler, err
	}
	version, _ := Version()
	tools, err := mcp.New(mcp.Options{Ask: mcp.InProcess(server.Socket()), Version: version, Guilds: c.MCPGuilds, Channels: c.MCPChannels, Log: log, Called: called})
	if err != nil {
		return nil, err
	}
	models := tools.HTTP(c.MCPToken.Reveal())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/mcp":
			handler.ServeHTTP(w, r)
		case !server.Ours(r.Host):
			http.Error(w, "the Host is not ours: ask for the address that is listened on", http.StatusForbidden)
		default:
			r.Pattern = "/mcp"
			models.ServeHTTP(w, r)
		}
	}), nil
}
