package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A batch is bounded by records, and by bytes of payload, so that neither many
// small records nor a few huge ones make a long transaction or much memory. It
// ends where the stream can go on, if it can at some records only, unless these
// are too far between: then an import that is resumed may count some twice. A
// megabyte is some five once it is read, bound and analysed, and three batches are
// at work at a time.
const (
	batchRecords = 1000
	batchBytes   = 2 << 20
	batchSlack   = 4
	calmTimes    = 4 // while nothing changes, and nothing is read, they are so much larger
)

// stream imports one stream. Reading goes on in another goroutine while a batch
// is being written.
func (im *importing) stream(ctx context.Context, s Stream, total int64) error {
	outer := ctx
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type item struct {
		records []Record // one, for a mark
		last    bool
		err     error
	}
	batches := make(chan item, 1)
	done := make(chan struct{})
	from := im.state.Position
	if from == "" && s.Mode == Incremental {
		var err error
		if from, err = im.position(ctx, s.name()); err != nil {
			return err
		}
	}
	go func() {
		defer close(done)
		defer close(batches)
		err := im.read(ctx, s, from, func(records []Record, last bool) bool {
			im.readAhead(s.Type, records)
			select {
			case batches <- item{records: records, last: last}:
				return true
			case <-ctx.Done():
				return false
			}
		})
		if err != nil {
			select {
			case batches <- item{err: err}:
			case <-ctx.Done():
			}
		}
	}()
	var failure error
	for b := range batches {
		switch failure = b.err; {
		case failure != nil:
		case b.records[0].isMark():
			failure = im.mark(ctx, s, &b.records[0])
		default:
			failure = im.batch(ctx, s, b.records, b.last, total)
		}
		if failure == nil {
			im.mergeSometimes(outer)
		}
		if failure != nil {
			break
		}
	}
	stop()
	for range batches { // what was read is dropped; the reader ends
	}
	<-done
	if failure == nil {
		failure = context.Cause(outer)
	}
	return failure
}

// read collects the records of a stream into batches, and tells the last one of
// a stream that has not failed, unless that is a full one.
func (im *importing) read(ctx context.Context, s Stream, from string, give func(batch []Record, last bool) bool) (err error) {
	defer func() { err = errors.Join(err, im.panicked(recover(), "reading "+s.Type.Name())) }()
	var batch []Record
	bytes, resumable := 0, false
	for r, err := range s.Read(ctx, from) {
		if err != nil {
			if resumable { // the rest is read again
				for len(batch) > 0 && batch[len(batch)-1].Position == nil {
					batch = batch[:len(batch)-1]
				}
			}
			if len(batch) > 0 && !give(batch, false) {
				return nil
			}
			return err
		}
		if r.isMark() {
			if r.Part == nil && len(batch) > 0 {
				batch[len(batch)-1].Position = r.Position // it stands behind that record
				resumable = true
				continue
			}
			if len(batch) > 0 && !give(batch, false) || !give([]Record{r}, false) {
				return nil
			}
			batch, bytes = nil, 0
			continue
		}
		size, room := cmp.Or(im.BatchRecords, batchRecords), batchBytes
		if im.BatchRecords == 0 && im.calm.Load() {
			size, room = calmTimes*size, calmTimes*room
		}
		if batch == nil {
			batch = make([]Record, 0, size)
		}
		batch = append(batch, r)
		bytes += len(r.Raw) + r.Size
		if r.Row != nil && s.Type.Holds(r.Row) { // else the batch is refused
			bytes += len(content.RecordOf(r.Row).Raw)
		}
		resumable = resumable || r.Position != nil
		full := max(float64(len(batch))/float64(size), float64(bytes)/float64(room))
		if full >= 1 && (r.Position != nil || !resumable) || full >= batchSlack {
			if !give(batch, false) {
				return nil
			}
			batch, bytes = nil, 0
		}
	}
	if len(batch) > 0 {
		give(batch, true)
	}
	return nil
}

// panicked makes an error of a panic in the connection's code, and keeps its
// stack as an event; nil when there was none. It is called in the deferred
// function.
func (im *importing) panicked(v any, doing string) error {
	if v == nil {
		return nil
	}
	im.task.Error(jobs.EventPanic, fmt.Sprintf("panic: %v", v), map[string]string{"stack": string(debug.Stack())})
	return fmt.Errorf("%s panicked: %v; the event %q of the run has the stack", doing, v, jobs.EventPanic)
}
