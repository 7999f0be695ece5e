// Package jobs runs long work, such as an import, so that every execution is
// seen, ends in one known state, and can be stopped.
//
// Work that takes minutes is easily lost: the process dies and a status stays
// "running" for ever; a queue delivers twice and the work is done twice; an
// event is written beside the transaction that it reports and contradicts it.
// Here one row of the table runs is the truth about each execution, a [Run].
// Whoever works on it holds a lease in the database's time and a fence that
// grows with each claim. Each batch of its effects is one transaction that
// opens with a single update of that row ([Task.Commit]), which renews the
// lease, stores checkpoint and progress, and refuses a worker that was
// superseded.
//
// A [Runner] only carries run ids to a process that works. It may lose, repeat
// and reorder them: a run that was lost is found by a sweep of the table, and
// one that arrives twice runs once. Package localrunner is the Runner of a
// single process.
//
// A program declares [Job]s and [Queue]s, makes a [Service] with [New], and
// starts runs with [Typed.Enqueue] in the transaction of whatever calls for them,
// or with [Typed.Submit] in one of their own. [Register] makes a Typed of a Job.
package jobs
