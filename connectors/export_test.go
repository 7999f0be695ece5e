package connectors

// SetBatch sets the number of records in a batch, so that tests see many of them
// with few records.
func (e *Engine) SetBatch(records int) { e.batchSize = records }
