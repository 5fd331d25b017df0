namespace ChannelDistillation.Dsl.Yaml

open ChannelDistillation.Dsl

/// Stops reading a file that cannot be parsed further; caught where reading started.
exception internal Abort of Problem
