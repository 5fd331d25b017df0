// What every experiment script loads first: the language, as `dotnet fsi build.fsx build` makes it.
#I "../dsl/Cli/bin/Release/net10.0"
#r "ChannelDistillation.Runtime.dll"
#r "ChannelDistillation.Dsl.dll"
