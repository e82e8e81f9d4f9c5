package tracker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"rollcall/store"
)

// errOversized says that an answer is larger than maxAnswer.
var errOversized = errors.New("an answer that is too large")

// mostScanned bounds in bytes how far an answer is read that is not kept.
const mostScanned = 1 << 30

// history fetches the page of a channel's history after a message. Of a page that is too
// large it asks for half as many messages, down to one; of a single message that is too
// large it returns the id alone, see page.oversized. limit is how many messages are asked
// for; it is kept by who reads on, and 0 at first.
func (b *backfill) history(ctx context.Context, channel, after store.ID, limit *int) (page, error) {
	if *limit == 0 {
		*limit = pageLen
	}
	route, path := "messages/"+channel.String(), "/channels/"+channel.String()+"/messages"
	for {
		query := url.Values{"limit": {strconv.Itoa(*limit)}, "after": {after.String()}}
		body, err := b.rest.get(ctx, route, path, query)
		switch {
		case errors.Is(err, errOversized) && *limit > 1:
			*limit /= 2
			continue
		case errors.Is(err, errOversized):
			id, err := b.rest.firstID(ctx, route, path, query)
			return page{ids: []store.ID{id}, last: id, oversized: 1}, err
		case err != nil:
			return page{}, err
		}
		p, err := decodePage(body)
		if err != nil {
			return page{}, unanswered(err)
		}
		p.asked, *limit = *limit, min(pageLen, 2**limit)
		return p, nil
	}
}

// firstID returns the id of the first object in the list that a request is answered with,
// however large it is. The error is as that of get.
func (r *rest) firstID(ctx context.Context, route, path string, query url.Values) (store.ID, error) {
	if err := r.limits.wait(ctx, route, r.noteWait); err != nil {
		return 0, err
	}
	answer, err := r.send(ctx, path, query)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, unanswered(err)
	}
	defer answer.Body.Close()
	r.limits.note(route, answer, nil, 1)
	id, err := scanID(io.LimitReader(answer.Body, mostScanned))
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		return 0, unanswered(fmt.Errorf("look for the id of a message of more than %d bytes: %w", r.most, err))
	}
	return id, nil
}

// scanID reads a JSON list of objects up to the id of the first one. What comes before
// that is not checked, and not kept.
func scanID(from io.Reader) (store.ID, error) {
	in := bufio.NewReaderSize(from, 64<<10)
	var key []byte
	isValue := false
	for depth := 0; ; {
		c, err := in.ReadByte()
		if err != nil {
			return 0, fmt.Errorf("no id: %w", err)
		}
		switch c {
		case '"':
			text, err := scanString(in)
			switch {
			case err != nil:
				return 0, fmt.Errorf("no id: %w", err)
			case depth == 2 && !isValue:
				key = text
			case depth == 2 && string(key) == "id":
				return store.ParseID(string(text))
			}
		case ':':
			isValue = isValue || depth == 2
		case ',':
			isValue = isValue && depth != 2
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 2 {
				return 0, errNoID
			}
		}
	}
}

// scanString reads to the end of a string, whose beginning it returns.
func scanString(in *bufio.Reader) (text []byte, err error) {
	for {
		c, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		switch c {
		case '"':
			return text, nil
		case '\\':
			if _, err := in.ReadByte(); err != nil {
				return nil, err
			}
		}
		if len(text) < 32 {
			text = append(text, c)
		}
	}
}
