package portal

// staffRoutes are the pages of the foundation's staff.
func (s *Server) staffRoutes() {}

// staffTasks is what waits for a member of staff.
func (s *Server) staffTasks(*visit) ([]group, error) { return nil, nil }

// staffNav is the part of the navigation that staff sees.
func (s *Server) staffNav(*visit) []navItem { return nil }
