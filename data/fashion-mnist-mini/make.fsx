// Makes the four files in this folder out of the full Fashion-MNIST. After `dotnet build -c Release runtime`:
//
//     dotnet fsi data/fashion-mnist-mini/make.fsx FOLDER-OF-THE-FULL-SET
#r "../../runtime/bin/Release/net10.0/ChannelDistillation.Runtime.dll"

match fsi.CommandLineArgs with
| [| _; full |] -> ChannelDistillation.Data.FashionMnistMini.Make(full, __SOURCE_DIRECTORY__)
| _ ->
    eprintfn "Usage: dotnet fsi data/fashion-mnist-mini/make.fsx FOLDER-OF-THE-FULL-SET"
    exit 2
