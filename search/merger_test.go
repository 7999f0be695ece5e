package search

import (
	"context"
	"errors"
	"testing"
)

func TestMerger(t *testing.T) {
	begun, end := make(chan struct{}, 9), make(chan error)
	m := Merger{Beside: true, Merge: func(ctx context.Context) error {
		begun <- struct{}{}
		select {
		case err := <-end:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	m.Indexed(t.Context(), mergeEvery-1)
	if m.running != nil {
		t.Error("a merge has begun too soon")
	}
	m.Indexed(t.Context(), 1)
	<-begun
	m.Indexed(t.Context(), mergeEvery) // while one is at work
	if len(begun) > 0 {
		t.Error("two merges at once")
	}
	broken := errors.New("broken")
	end <- broken
	m.running <- <-m.running // it has ended for certain
	m.Indexed(t.Context(), 0)
	<-begun // for what came meanwhile
	go func() {
		end <- nil
		end <- nil
	}()
	if err := m.Finish(t.Context()); !errors.Is(err, broken) {
		t.Errorf("finished with %v", err)
	}
	if len(begun) != 1 {
		t.Errorf("%d merges at the end", len(begun))
	}
	<-begun
	m.Indexed(t.Context(), mergeEvery)
	<-begun
	m.Stop()
	if m.running != nil {
		t.Error("a merge goes on")
	}
	m.Stop() // again
}

func TestMergerByTurns(t *testing.T) {
	merges, broken := 0, errors.New("broken")
	m := Merger{Merge: func(context.Context) error {
		if merges++; merges == 1 {
			return broken
		}
		return nil
	}}
	m.Indexed(t.Context(), mergeEvery)
	if merges != 1 || m.running != nil {
		t.Errorf("%d merges, at work: %v", merges, m.running != nil)
	}
	if err := m.Finish(t.Context()); !errors.Is(err, broken) || merges != 2 {
		t.Errorf("finished with %v after %d merges", err, merges)
	}
	if err := m.Finish(t.Context()); err != nil {
		t.Errorf("an error is told twice: %v", err)
	}
}
