package connectors

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
)

// A batch is bounded by records, and by bytes of payload, so that neither many
// small records nor a few huge ones make a long transaction or much memory.
const (
	batchRecords = 1000
	batchBytes   = 4 << 20
)

// stream imports one stream. Reading goes on in another goroutine while a batch
// is being written.
func (im *importing) stream(ctx context.Context, s Stream, total int64) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type item struct {
		records []Record
		err     error
	}
	batches := make(chan item, 1)
	done := make(chan struct{})
	from := im.state.Position
	if from == "" && s.Mode == Incremental {
		var err error
		if from, err = im.position(ctx, s.Type.Name()); err != nil {
			return err
		}
	}
	go func() {
		defer close(done)
		defer close(batches)
		err := read(ctx, s, from, func(records []Record) bool {
			select {
			case batches <- item{records: records}:
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
		if failure = b.err; failure == nil {
			failure = im.batch(ctx, s, b.records, total)
		}
		if failure == nil {
			failure = im.mergeSometimes(ctx)
		}
		if failure != nil {
			stop()
			break
		}
	}
	for range batches { // what was read is dropped; the reader ends
	}
	<-done
	if failure == nil {
		failure = context.Cause(ctx)
	}
	return failure
}

// read collects the records of a stream into batches.
func read(ctx context.Context, s Stream, from string, give func([]Record) bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading %s panicked: %v", s.Type.Name(), p)
		}
	}()
	var batch []Record
	bytes := 0
	for r, err := range s.Read(ctx, from) {
		if err != nil {
			if len(batch) > 0 && !give(batch) {
				return nil
			}
			return err
		}
		if batch == nil {
			batch = make([]Record, 0, batchRecords)
		}
		batch = append(batch, r)
		bytes += len(r.Raw)
		if r.Row != nil {
			bytes += len(content.RecordOf(r.Row).Raw)
		}
		if len(batch) == batchRecords || bytes >= batchBytes {
			if !give(batch) {
				return nil
			}
			batch, bytes = nil, 0
		}
	}
	if len(batch) > 0 {
		give(batch)
	}
	return nil
}
