module ChannelDistillation.Tests.Lab.Runs.ErrorLogTests

open System
open System.IO
open Expecto
open ChannelDistillation.Lab.Runs

[<Tests>]
let tests =
    testList
        "error log"
        [ test "Error details are written to a private folder with a new name each time" {
              let files = [ for _ in 1..2 -> ErrorLog.write (InvalidOperationException "what went wrong") ]

              try
                  for file in files do
                      Expect.stringStarts (File.ReadAllText file) "System.InvalidOperationException: what went wrong" "details"

                      if not (OperatingSystem.IsWindows()) then
                          let mode = File.GetUnixFileMode(nonNull (Path.GetDirectoryName file))
                          Expect.equal mode (UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute) "nobody else's"

                  Expect.notEqual files[0] files[1] "names"
              finally
                  for file in files do
                      Directory.Delete(nonNull (Path.GetDirectoryName file), true)
          } ]
