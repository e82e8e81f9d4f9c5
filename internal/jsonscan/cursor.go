package jsonscan

import "strings"

// spaces are eight of them, as eightAt returns them.
const spaces = ' ' * eachByte

// Cursor is a place in a JSON text. Once something is not as it must be, Bad is
// true and it does not move any more. A text that was cut off is Bad, too; so is one
// that is a number and nothing else, of which there might be more.
type Cursor struct {
	S   string
	I   int
	Bad bool
}

// fail makes c bad.
func (c *Cursor) fail() { c.Bad = true }

// next moves over white space and returns the byte that follows, 0 at the end.
func (c *Cursor) next() byte {
	if c.I < len(c.S) && c.S[c.I] > ' ' {
		return c.S[c.I]
	}
	return c.afterSpace()
}

func (c *Cursor) afterSpace() byte {
	s, i := c.S, c.I
	for i < len(s) && (s[i] == '\n' || s[i] == '\r' || s[i] == ' ' || s[i] == '\t') {
		for i++; i+8 <= len(s) && eightAt(s, i) == spaces; {
			i += 8
		}
	}
	c.I = i
	if i == len(s) {
		return 0
	}
	return s[i]
}

// Peek returns the byte with which the next value begins, 0 at the end of the text.
func (c *Cursor) Peek() byte { return c.next() }

// Open moves behind the opening bracket, { or [, that must come next, and reports
// whether it did.
func (c *Cursor) Open(bracket byte) bool {
	if c.Bad || c.next() != bracket {
		c.fail()
		return false
	}
	c.I++
	return true
}

// Member moves to the value of an object's next member and stores its name. At the
// object's end it moves behind it and returns false.
func (c *Cursor) Member(key *string) bool {
	if !c.Element('}') {
		return false
	}
	if c.S[c.I] != '"' {
		c.fail()
		return false
	}
	name := c.text()
	if c.Bad || c.next() != ':' {
		c.fail()
		return false
	}
	c.I++
	*key = name.Text()
	return c.next() != 0 || c.cut()
}

func (c *Cursor) cut() bool {
	c.fail()
	return false
}

// Element moves to an array's next element. At the closing bracket, which is the
// array's unless that of an object is asked for, it moves behind it and returns false.
func (c *Cursor) Element(closing byte) bool {
	if c.Bad {
		return false
	}
	b := c.next()
	if b == ',' {
		c.I++
		b = c.next()
	}
	switch b {
	case closing:
		c.I++
		return false
	case 0:
		c.fail()
		return false
	}
	return true
}

// text reads the string at c.
func (c *Cursor) text() Value {
	end, m := scanText(c.S, c.I+1)
	if end < 0 {
		c.fail()
		return Value{}
	}
	v := Value{Text, m, c.S[c.I+1 : end]}
	c.I = end + 1
	return v
}

// Value reads the next value. Of an array or object Raw is all of it, which has not
// been looked into.
func (c *Cursor) Value() Value {
	if c.Bad {
		return Value{}
	}
	var v Value
	switch b := c.next(); {
	case b == '"':
		return c.text()
	case b == '{' || b == '[':
		v.Kind = Nested
	case b == 'n':
		return c.literal("null", Null)
	case b == 't':
		return c.literal("true", Bool)
	case b == 'f':
		return c.literal("false", Bool)
	case b == '-' || b >= '0' && b <= '9':
		v.Kind = Number
	default:
		c.fail()
		return v
	}
	start := c.I
	c.Skip()
	if c.Bad {
		return Value{}
	}
	v.Raw = c.S[start:c.I]
	return v
}

func (c *Cursor) literal(name string, kind Kind) Value {
	if !strings.HasPrefix(c.S[c.I:], name) {
		c.fail()
		return Value{}
	}
	c.I += len(name)
	return Value{Kind: kind, Raw: name}
}

// True reads the next value and reports whether it is true.
func (c *Cursor) True() bool {
	v := c.Value()
	return v.Kind == Bool && v.Raw == "true"
}

// Count reads the next value and returns how many elements it has, 0 of what is no array.
func (c *Cursor) Count() (n int) {
	if c.Bad || c.next() != '[' {
		c.Skip()
		return 0
	}
	for c.I++; c.Element(']'); n++ {
		c.Skip()
	}
	return n
}

// Skip moves behind the next value.
func (c *Cursor) Skip() {
	if c.Bad {
		return
	}
	switch b := c.next(); b {
	case '"':
		c.I = closingQuote(c.S, c.I+1)
	case '{', '[':
		c.I = closingBracket(c.S, c.I+1)
	case 0, '}', ']', ',', ':':
		c.I = -1
	default: // a number or a literal
		i := c.I
		for i < len(c.S) && c.S[i] > ' ' && c.S[i] != ',' && c.S[i] != '}' && c.S[i] != ']' {
			i++
		}
		if i == c.I || i == len(c.S) { // nothing, or something of which there may be more
			i = -1
		}
		c.I = i
	}
	if c.I < 0 {
		c.I = len(c.S)
		c.fail()
	}
}

// closingBracket returns the place behind the bracket that closes the one before i,
// -1 if there is none.
func closingBracket(s string, i int) int {
	for depth := 1; i < len(s); {
		switch s[i] {
		case '"':
			if i = closingQuote(s, i+1); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\n':
			for i+9 <= len(s) && eightAt(s, i+1) == spaces {
				i += 8
			}
		}
		i++
	}
	return -1
}

// closingQuote returns the place behind the quote that closes the one before i, -1 if
// there is none.
func closingQuote(s string, i int) int {
	for {
		for ; i+8 <= len(s); i += 8 {
			b := eightAt(s, i)
			found := ((b ^ '"'*eachByte) - eachByte) &^ (b ^ '"'*eachByte)
			found |= ((b ^ '\\'*eachByte) - eachByte) &^ (b ^ '\\'*eachByte)
			if found &= highBits; found != 0 {
				i += firstByte(found)
				break
			}
		}
		for i < len(s) && s[i] != '"' && s[i] != '\\' {
			i++
		}
		if i >= len(s) {
			return -1
		}
		if s[i] == '"' {
			return i + 1
		}
		if i += 2; i > len(s) {
			return -1
		}
	}
}

// Members calls read with the name of each member of the object that comes next; read
// must read its value. What is no object is skipped.
func (c *Cursor) Members(read func(key string)) {
	if c.Bad || c.next() != '{' {
		c.Skip()
		return
	}
	var key string
	for c.Open('{'); c.Member(&key); {
		read(key)
	}
}

// Elements calls read at each element of the array that comes next; read must read it.
// What is no array is skipped.
func (c *Cursor) Elements(read func()) {
	if c.Bad || c.next() != '[' {
		c.Skip()
		return
	}
	for c.Open('['); c.Element(']'); {
		read()
	}
}
