package database

// Statements returns the number of prepared statements of all idle connections.
func (db *DB) Statements() (n int) {
	for _, p := range []*pool{db.write, db.read} {
		p.mu.Lock()
		for _, c := range p.idle {
			n += len(c.stmts)
		}
		p.mu.Unlock()
	}
	return n
}

// MaxStatements is how many prepared statements a connection keeps.
const MaxStatements = maxStatements
