namespace ChannelDistillation.Dsl.Yaml

open ChannelDistillation.Dsl

/// Ends the reading of a file that cannot be understood any further; caught where the reading began.
exception internal Abort of Problem
