package lsm

// RoundTripManifest decodes a manifest and encodes it again.
func RoundTripManifest(b []byte) ([]byte, error) {
	var r runs
	if err := r.decode(b); err != nil {
		return nil, err
	}
	return r.append(nil), nil
}
