package portal

func (s *Server) accountRoutes() {}

// accountTasks is what a person should do about his own account.
func (s *Server) accountTasks(v *visit) ([]group, error) { return nil, nil }
