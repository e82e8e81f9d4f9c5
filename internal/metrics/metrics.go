package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rollcall/internal/health"
	"rollcall/store"
)

// scrapes is how many scrapes may be under way: a Prometheus or two, and a person.
const scrapes = 4

// Metrics of a daemon.
type Metrics struct {
	registry *prometheus.Registry
	requests requests
	calls    *prometheus.CounterVec
	log      *slog.Logger
}

// New returns the metrics of what the vitals tell of.
func New(vitals *health.Vitals, log *slog.Logger) *Metrics {
	return newOn(prometheus.NewRegistry(), vitals, log)
}

func newOn(registry *prometheus.Registry, vitals *health.Vitals, log *slog.Logger) *Metrics {
	m := &Metrics{registry: registry, requests: newRequests(), calls: newCalls(), log: log}
	m.registry.MustRegister(
		collector{vitals, slices.Concat(daemonMetrics(), storeMetrics(), trackerMetrics(), migrationMetrics())},
		m.requests.answered, m.requests.seconds, m.calls,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(m.log.Handler(), slog.LevelError),
		MaxRequestsInFlight: scrapes,
		DisableCompression:  true, // which is the server's
	})
}

// collector makes metrics of a report.
type collector struct {
	vitals  *health.Vitals
	metrics []metric
}

// metric is one row of the tables: a metric and where its values are in a report.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	tell values
	// distribution takes the place of tell in a histogram; it returns false where there
	// is nothing to tell.
	distribution func(r *health.Report) (store.Distribution, bool)
}

// values is how a row tells its values, each by a call of set.
type values = func(r *health.Report, set setter)

// setter takes in a value and the values of its labels.
type setter = func(value float64, labels ...string)

func gauge(name, help string, tell values, labels ...string) metric {
	return metric{desc: describe(name, help, labels), kind: prometheus.GaugeValue, tell: tell}
}

func counter(name, help string, tell values, labels ...string) metric {
	return metric{desc: describe(name, help, labels), kind: prometheus.CounterValue, tell: tell}
}

func histogram(name, help string, distribution func(r *health.Report) (store.Distribution, bool)) metric {
	return metric{desc: describe(name, help, nil), distribution: distribution}
}

func describe(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc("rollcall_"+name, help, labels, nil)
}

// Describe tells the registry what there may be.
func (c collector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		descs <- m.desc
	}
}

// Collect asks for a report and tells what it says.
func (c collector) Collect(out chan<- prometheus.Metric) {
	r := c.vitals.Report(context.Background())
	for _, m := range c.metrics {
		if m.distribution != nil {
			if d, ok := m.distribution(&r); ok {
				out <- constHistogram(m.desc, d)
			}
			continue
		}
		m.tell(&r, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
		})
	}
}

func constHistogram(desc *prometheus.Desc, d store.Distribution) prometheus.Metric {
	buckets := make(map[float64]uint64, len(d.Bounds))
	sum := uint64(0)
	for i, bound := range d.Bounds {
		sum += d.Counts[i]
		buckets[bound] = sum
	}
	return prometheus.MustNewConstHistogram(desc, sum+d.Counts[len(d.Bounds)], d.Sum, buckets)
}

// flag is 1 for yes.
func flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
