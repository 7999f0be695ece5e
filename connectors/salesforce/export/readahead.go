package export

import "io"

// readAhead reads its source in a goroutine, a few blocks ahead: unpacking
// takes longer than splitting into records, and both can go on at once.
type readAhead struct {
	full chan block
	free chan []byte
	stop chan struct{}
	done chan struct{}

	current block
	rest    []byte // of the current block
}

type block struct {
	data []byte
	err  error // behind the data
}

func newReadAhead(src io.Reader) *readAhead {
	const blocks, size = 3, 64 << 10
	r := &readAhead{
		full: make(chan block, blocks), free: make(chan []byte, blocks),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	for range blocks {
		r.free <- make([]byte, size)
	}
	go r.run(src)
	return r
}

func (r *readAhead) run(src io.Reader) {
	defer close(r.done)
	for {
		var b block
		select {
		case b.data = <-r.free:
		case <-r.stop:
			return
		}
		n := 0
		for n < len(b.data) && b.err == nil {
			var k int
			k, b.err = src.Read(b.data[n:])
			n += k
		}
		b.data = b.data[:n]
		r.full <- b // never blocks: there are as many places as blocks
		if b.err != nil {
			return
		}
	}
}

func (r *readAhead) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.current.err != nil {
			return 0, r.current.err
		}
		if r.current.data != nil {
			r.free <- r.current.data[:cap(r.current.data)]
		}
		r.current = <-r.full
		r.rest = r.current.data
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// close ends the goroutine and waits for it.
func (r *readAhead) close() {
	close(r.stop)
	<-r.done
}
