package content

// Icons returns the names that a declaration may use as its icon. Pages and
// clients draw them; the names are stable.
func Icons() []string {
	return []string{"archive", "bell", "book", "briefcase", "building", "calendar", "chart", "chat", "cloud", "database",
		"document", "file", "folder", "globe", "image", "inbox", "link", "list", "mail", "notice", "phone", "robot",
		"search", "table", "tag", "target", "ticket", "upload", "user", "users", "wrench"}
}

// Colors returns the names that a declaration may use as its color.
func Colors() []string {
	return []string{"amber", "blue", "cyan", "emerald", "gray", "green", "indigo", "lime", "orange", "pink", "purple",
		"red", "rose", "sky", "slate", "teal", "violet", "yellow"}
}
