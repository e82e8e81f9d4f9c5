package metrics

import "github.com/prometheus/client_golang/prometheus"

func newCalls() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_mcp_calls_total",
		Help: "Calls of tools by language models at /mcp, by tool and result: ok, failed, or limited, which is not tried.",
	}, []string{"tool", "result"})
}

// Called counts a call of a tool, as mcp.Options.Called is told of it. It may be called from any goroutine.
func (m *Metrics) Called(tool, result string) { m.calls.WithLabelValues(tool, result).Inc() }
