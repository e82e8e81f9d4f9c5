package main

import (
	"math"
	"slices"
	"strconv"
)

// quantile returns the value below which the share q of sorted values lies.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// spread is the median of some values, with the least and the greatest.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + median) / 2
	}
	return spread{median, sorted[0], sorted[len(sorted)-1]}
}

// unit says how a value is written.
type unit func(float64) string

// number writes whole numbers, rounded to three digits.
func number(v float64) string {
	if v >= 1000 {
		scale := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/scale) * scale
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// decimal writes two digits behind the point, or as many as make sense.
func decimal(v float64) string {
	switch {
	case v >= 100:
		return number(v)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func (s spread) in(u unit) string {
	if s.least == s.most {
		return u(s.median)
	}
	return u(s.median) + " (" + u(s.least) + "–" + u(s.most) + ")"
}
