package store

import "bytes"

// known reads what is known of channels.
func (c *checker) known() error {
	texts := knownTexts(c.keys)
	return c.eachValue("state/"+string(stateKnown), c.tx.Bucket(bucketState).Bucket(stateKnown), func(key, payload []byte) error {
		text, err := texts.Read(key, payload, 0)
		if err != nil {
			return c.report("state/%s: %v", stateKnown, err)
		}
		if c.keys.SkipDecrypt && len(text) == 0 {
			return nil
		}
		if _, err := decodeChannelInfo(text); err != nil || len(key) != 16 {
			return c.report("state/%s: the value under key %x does not decode", stateKnown, key)
		}
		return nil
	})
}

// passed counts the messages that were passed by.
func (c *checker) passed() error {
	b := c.tx.Bucket(bucketState).Bucket(statePassed)
	if b == nil {
		return nil // reported with the others
	}
	found, name := uint64(0), "state/"+string(statePassed)
	err := c.eachValue(name, b, func(key, payload []byte) error {
		if bytes.Equal(key, passedCount) {
			return nil
		}
		found++
		if _, ok := decodePassed(key, payload); !ok {
			return c.report("%s: the value under key %x does not decode", name, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if count, err := getID(b, passedCount); err == nil && uint64(count) != found {
		return c.report("%s: there are %d messages, and their count is %d", name, found, count)
	}
	return nil
}
