package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// Charts are drawn on the server. Their colours are attributes, so that a chart that is saved has
// them; the page's style replaces them by classes, which no policy forbids.
const (
	accent = "#5865f2"
	grey   = "#8a8f98"
)

// svg is a drawing of so many units, which fits the width that it is given.
type svg struct {
	b             strings.Builder
	width, height int
}

func newSVG(width, height int, title string) *svg {
	s := &svg{width: width, height: height}
	fmt.Fprintf(&s.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" class="chart" font-family="system-ui, sans-serif" font-size="11"><title>%s</title>`,
		width, height, width, height, template.HTMLEscapeString(title))
	return s
}

// rect draws a rectangle that says what it is when it is pointed at.
func (s *svg) rect(x, y, w, h float64, class, fill string, opacity float64, title string) {
	fmt.Fprintf(&s.b, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" class="%s" fill="%s"`, x, y, w, h, class, fill)
	if opacity < 1 {
		fmt.Fprintf(&s.b, ` fill-opacity="%.2f"`, opacity)
	}
	if title == "" {
		s.b.WriteString(`/>`)
		return
	}
	fmt.Fprintf(&s.b, `><title>%s</title></rect>`, template.HTMLEscapeString(title))
}

func (s *svg) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&s.b, `<text x="%.2f" y="%.2f" text-anchor="%s" class="label" fill="%s">%s</text>`, x, y, anchor, grey, template.HTMLEscapeString(text))
}

func (s *svg) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&s.b, `<line x1="%.2f" y1="%.2f" x2="%.2f" y2="%.2f" class="axis" stroke="%s" stroke-opacity="0.35"/>`, x1, y1, x2, y2, grey)
}

func (s *svg) done() template.HTML { return template.HTML(s.b.String() + `</svg>`) }

// Bucket is a bar of a series.
type Bucket struct {
	Start    time.Time // the beginning of the day, the week or the month
	End      time.Time
	Label    string
	Messages int64
}

// span is a time that is marked in a series.
type span struct {
	from, to time.Time
	title    string
}

// seriesChart draws messages over time, and as bands behind them when nobody listened.
func seriesChart(buckets []Bucket, gaps []span) template.HTML {
	const left, right, top, bottom, width, height = 44, 8, 10, 22, 900, 220
	s := newSVG(width, height, "Messages over time")
	if len(buckets) == 0 {
		s.text(width/2, height/2, "middle", "no messages")
		return s.done()
	}
	most := int64(1)
	for _, b := range buckets {
		most = max(most, b.Messages)
	}
	plotW, plotH := float64(width-left-right), float64(height-top-bottom)
	begin, end := buckets[0].Start, buckets[len(buckets)-1].End
	place := func(t time.Time) float64 {
		share := float64(t.Sub(begin)) / float64(end.Sub(begin))
		return left + plotW*min(max(share, 0), 1)
	}
	for _, g := range gaps {
		if x := place(g.from); g.to.After(begin) && g.from.Before(end) {
			s.rect(x, top, max(place(g.to)-x, 1.5), plotH, "gap", "#d97706", 0.25, g.title)
		}
	}
	for _, tick := range ticks(most) {
		y := top + plotH*(1-float64(tick)/float64(most))
		s.line(left, y, width-right, y)
		s.text(left-6, y+4, "end", compact(tick))
	}
	for i, b := range buckets {
		x := place(b.Start)
		w := max(place(b.End)-x, 0.5)
		if b.Messages > 0 {
			h := plotH * float64(b.Messages) / float64(most)
			s.rect(x+w*0.08, top+plotH-h, w*0.84, h, "bar", accent, 1, fmt.Sprintf("%s: %s", b.Label, count(b.Messages)))
		}
		if every := (len(buckets) + 7) / 8; i%every == 0 {
			s.text(x, height-6, "start", b.Label)
		}
	}
	return s.done()
}

// ticks returns two to five round numbers up to the most, one if that is 1.
func ticks(most int64) (at []int64) {
	step := int64(1)
	for scale := int64(1); step*5 < most && scale <= 1e17; scale *= 10 {
		for _, factor := range []int64{1, 2, 5} {
			if step = factor * scale; step*5 >= most {
				break
			}
		}
	}
	for n := step; n <= most && len(at) < 5; n += step {
		at = append(at, n)
	}
	return at
}

// sparkline draws a series as small bars.
func sparkline(values []int64) template.HTML {
	const width, height = 160, 36
	s := newSVG(width, height, "Messages a day, of late")
	most := int64(1)
	for _, v := range values {
		most = max(most, v)
	}
	w := float64(width) / float64(max(len(values), 1))
	for i, v := range values {
		h := float64(height-2) * float64(v) / float64(most)
		s.rect(float64(i)*w+0.5, float64(height)-h-1, max(w-1, 0.5), h+1, "bar", accent, 1, "")
	}
	return s.done()
}

var weekdays = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// heatmapChart draws messages by weekday and hour.
func heatmapChart(cells [7][24]int64) template.HTML {
	const left, top, size, height = 40, 18, 34, 24
	s := newSVG(left+24*size, top+7*height, "Messages by weekday and hour")
	most := int64(1)
	for _, day := range cells {
		for _, n := range day {
			most = max(most, n)
		}
	}
	for hour := 0; hour < 24; hour += 3 {
		s.text(left+float64(hour)*size, 12, "start", fmt.Sprintf("%02d", hour))
	}
	for day, hours := range cells {
		s.text(left-6, float64(top+day*height)+height*0.66, "end", weekdays[day])
		for hour, n := range hours {
			class, fill, opacity := "cell none", grey, 0.12
			if n > 0 {
				class, fill, opacity = "cell", accent, 0.15+0.85*math.Sqrt(float64(n)/float64(most)) // busy hours do not hide the others
			}
			s.rect(float64(left+hour*size)+1, float64(top+day*height)+1, size-2, height-2, class, fill, opacity,
				fmt.Sprintf("%s %02d:00: %s", weekdays[day], hour, count(n)))
		}
	}
	return s.done()
}

// barsChart draws values side by side, as by hour.
func barsChart(title string, labels []string, values []int64) template.HTML {
	const left, top, bottom, width, height = 8, 8, 18, 440, 120
	s := newSVG(width, height, title)
	most := int64(1)
	for _, v := range values {
		most = max(most, v)
	}
	w := float64(width-2*left) / float64(max(len(values), 1))
	for i, v := range values {
		h := float64(height-top-bottom) * float64(v) / float64(most)
		x := left + float64(i)*w
		s.rect(x+w*0.1, float64(height-bottom)-h, w*0.8, max(h, 0.5), "bar", accent, 1, fmt.Sprintf("%s: %s", labels[i], count(v)))
		if every := (len(values) + 11) / 12; i%every == 0 {
			s.text(x+w/2, height-4, "middle", labels[i])
		}
	}
	return s.done()
}

// coverageBar draws the time of a channel: what is complete, and the gaps.
func coverageBar(begin, end time.Time, from, completeSince *time.Time, gaps []span) template.HTML {
	const width, height = 600, 14
	s := newSVG(width, height, "What is known of this channel over time")
	total := float64(end.Sub(begin))
	place := func(t time.Time) float64 {
		if total <= 0 {
			return 0
		}
		return width * min(max(float64(t.Sub(begin))/total, 0), 1)
	}
	s.rect(0, 3, width, 8, "before", grey, 0.15, "before the first stored message")
	if from != nil {
		s.rect(place(*from), 3, width-place(*from), 8, "partial", accent, 0.35, "messages are stored; it is not known whether all are")
	}
	if completeSince != nil {
		s.rect(place(*completeSince), 3, width-place(*completeSince), 8, "complete", accent, 1, "complete since "+completeSince.Format(time.DateOnly))
	}
	for _, g := range gaps {
		x := place(g.from)
		s.rect(x, 1, max(place(g.to)-x, 2), 12, "gap", "#d97706", 1, g.title)
	}
	return s.done()
}
