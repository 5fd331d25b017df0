// Loaded first by every experiment script: the assemblies that `dotnet fsi build.fsx build` creates.
#I "../dsl/Cli/bin/Release/net10.0"
#r "ChannelDistillation.Runtime.dll"
#r "ChannelDistillation.Dsl.dll"
