package health

import "time"

// TellEvery makes Notify tell news more often.
func (v *Vitals) TellEvery(d time.Duration) { v.every = d }
