package lately

import (
	"sync"

	"rollcall/internal/snowflake"
)

// Map holds the values of the ids that were added last. It may be used by any goroutine;
// its zero value holds nothing, and most has to be set before it is used.
type Map[V any] struct {
	Most int // ids at most

	mu     sync.Mutex
	values map[snowflake.ID]V
	ring   []snowflake.ID // in the order in which they were added, the oldest at at
	at     int
}

// Add remembers the value of an id in the place of the one before, and of the id that was
// added first if there are too many.
func (m *Map[V]) Add(id snowflake.ID, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[snowflake.ID]V{}
	}
	if _, known := m.values[id]; !known {
		if len(m.ring) < m.Most {
			m.ring = append(m.ring, id)
		} else {
			delete(m.values, m.ring[m.at])
			m.ring[m.at] = id
			m.at = (m.at + 1) % m.Most
		}
	}
	m.values[id] = value
}

// Get returns the value of an id, if it is remembered.
func (m *Map[V]) Get(id snowflake.ID) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok = m.values[id]
	return value, ok
}
