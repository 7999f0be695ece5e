package search

import (
	"context"
	"errors"

	"github.com/curatore/curatore-go/search/inverted"
)

// mergeEvery is the number of chunks after which an import merges what it has
// added: about as many as one segment takes, so that each is merged once. Until
// then a search looks into some fifty segments more.
const mergeEvery = inverted.MaxChunks / 5 * 4

// A Merger keeps an index fast while much is being indexed. It belongs to one
// goroutine. The zero value with a function is ready to use; end it with
// [Merger.Finish] or [Merger.Stop].
type Merger struct {
	Merge func(ctx context.Context) error // such as [Indexer.Merge]
	// Beside makes merges go on beside the batches. That saves time on Postgres,
	// where a merge waits for the server for a good part of its time. On SQLite, where
	// there is one writer, it saves little and takes memory.
	Beside bool

	unmerged int
	running  chan error // gives the error of the merge at work; nil when there is none
	cancel   context.CancelFunc
	failed   error
}

// Indexed tells that chunks were added and committed. Now and then it merges, or
// begins to, until the context ends.
func (m *Merger) Indexed(ctx context.Context, chunks int) {
	m.unmerged += chunks
	if m.running != nil {
		select {
		case err := <-m.running:
			m.ended(err)
		default:
			return
		}
	}
	if m.unmerged < mergeEvery {
		return
	}
	m.unmerged = 0
	if !m.Beside {
		m.failed = errors.Join(m.failed, m.Merge(ctx))
		return
	}
	ctx, m.cancel = context.WithCancel(ctx)
	running := make(chan error, 1)
	m.running = running
	go func() { running <- m.Merge(ctx) }()
}

// Finish waits for the merge at work, merges what is left, and returns what went
// wrong since the last Finish. The next merge makes up for one that failed.
func (m *Merger) Finish(ctx context.Context) error {
	m.wait()
	m.unmerged = 0
	err := errors.Join(m.failed, m.Merge(ctx))
	m.failed = nil
	return err
}

// Stop cancels the merge at work, if there is one, and waits for its end. What it
// leaves behind is removed by a later one.
func (m *Merger) Stop() {
	if m.running != nil {
		m.cancel()
		m.wait()
	}
}

func (m *Merger) wait() {
	if m.running != nil {
		m.ended(<-m.running)
	}
}

func (m *Merger) ended(err error) {
	m.cancel()
	m.running = nil
	m.failed = errors.Join(m.failed, err)
}
