package metrics

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"rollcall/internal/health"
)

// NewPedantic is New with a registry that refuses a scrape in which something is told
// that was not described, or twice.
func NewPedantic(vitals *health.Vitals, log *slog.Logger) *Metrics {
	return newOn(prometheus.NewPedanticRegistry(), vitals, log)
}

// MaxGuilds is how many guilds have a label of their own.
const MaxGuilds = maxGuilds
