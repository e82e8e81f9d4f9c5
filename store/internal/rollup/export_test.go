package rollup

import "slices"

// RoundTripChunk decodes a timeline chunk and encodes it again.
func RoundTripChunk(b []byte, q uint32) ([]byte, error) {
	moments, err := DecodeChunk(nil, q, b)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(moments, CompareMoments)
	return appendChunk(nil, q, moments), nil
}

// RoundTripWeek decodes a user's week and encodes it again.
func RoundTripWeek(b []byte) ([]byte, error) {
	cells, err := DecodeWeek(nil, b)
	if err != nil {
		return nil, err
	}
	return AppendWeek(nil, AddCells(nil, cells)), nil
}
