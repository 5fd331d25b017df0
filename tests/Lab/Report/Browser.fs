/// A headless Chromium, controlled through the DevTools protocol.
namespace ChannelDistillation.Tests.Lab.Report

open System
open System.Collections.Generic
open System.IO
open System.Net.WebSockets
open System.Text
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open System.Threading
open ChannelDistillation.Tests

/// A page; messages on its console are recorded.
type Browser private (started: ChildProcess, socket: WebSocket, profile: TemporaryFolder) =
    let messages = List<string>()
    let mutable lastId = 0
    let mutable session: string = null

    let receive () =
        let buffer = Array.zeroCreate<byte> 65536
        use whole = new MemoryStream()

        let rec go () =
            let part = socket.ReceiveAsync(ArraySegment buffer, CancellationToken.None).GetAwaiter().GetResult()
            whole.Write(buffer, 0, part.Count)

            if not part.EndOfMessage then
                go ()

        go ()
        JsonNode.Parse(whole.ToArray())

    let send (methodName: string) (parameters: JsonObject) : JsonNode =
        lastId <- lastId + 1
        let command = JsonObject()
        command["id"] <- lastId
        command["method"] <- methodName
        command["params"] <- parameters

        if not (isNull session) then
            command["sessionId"] <- session

        let bytes = Encoding.UTF8.GetBytes(command.ToJsonString())
        socket.SendAsync(ArraySegment bytes, WebSocketMessageType.Text, true, CancellationToken.None).Wait()

        let rec answer () =
            let message = receive ()

            match message["id"] with
            | null ->
                match string message["method"] with
                | "Runtime.exceptionThrown"
                | "Runtime.consoleAPICalled"
                | "Log.entryAdded" -> messages.Add(message.ToJsonString())
                | _ -> ()

                answer ()
            | id when id.GetValue<int>() = lastId -> message["result"]
            | _ -> answer ()

        answer ()

    let with' (entries: (string * JsonNode) list) =
        let parameters = JsonObject()

        for name, value in entries do
            parameters[name] <- value

        parameters

    static let value (text: string) : JsonNode = JsonValue.Create text

    static member private Program =
        [ "/usr/bin/chromium"; "/usr/bin/chromium-browser"; "/usr/bin/google-chrome" ] |> List.tryFind File.Exists

    /// None if Chromium is not installed.
    static member TryStart() : Browser option =
        Browser.Program
        |> Option.map (fun program ->
            let profile = new TemporaryFolder()

            let arguments =
                [ "--headless=new"
                  "--no-sandbox"
                  "--disable-gpu"
                  "--remote-debugging-port=0"
                  $"--user-data-dir={profile.Path}"
                  "about:blank" ]

            let started = new ChildProcess(program, arguments)
            let address () = Regex.Match(started.Errors, @"ws://\S+(?=\n)").Value
            started.WaitUntil("it printed its address", fun () -> address () <> "")
            let socket = new ClientWebSocket()
            socket.ConnectAsync(Uri(address ()), CancellationToken.None).Wait()
            let browser = new Browser(started, socket, profile)
            browser.Open()
            browser)

    member private _.Open() =
        let target = send "Target.createTarget" (with' [ "url", value "about:blank" ])

        let attached =
            send "Target.attachToTarget" (with' [ "targetId", value (string target["targetId"]); "flatten", JsonValue.Create true ])

        session <- string attached["sessionId"]

        for domain in [ "Runtime"; "Log"; "Page"; "Network" ] do
            send $"{domain}.enable" (JsonObject()) |> ignore

        // No network: everything must be in the file.
        send
            "Network.emulateNetworkConditions"
            (with'
                [ "offline", JsonValue.Create true
                  "latency", JsonValue.Create 0
                  "downloadThroughput", JsonValue.Create 0
                  "uploadThroughput", JsonValue.Create 0 ])
        |> ignore

    member _.Messages = List.ofSeq messages

    /// Shows a file at a width, in a colour scheme (`light` or `dark`).
    member this.Show(file: string, width: int, scheme: string) =
        send
            "Emulation.setDeviceMetricsOverride"
            (with'
                [ "width", JsonValue.Create width
                  "height", JsonValue.Create 900
                  "deviceScaleFactor", JsonValue.Create 1
                  "mobile", JsonValue.Create(width < 600) ])
        |> ignore

        let feature = with' [ "name", value "prefers-color-scheme"; "value", value scheme ]
        send "Emulation.setEmulatedMedia" (with' [ "features", JsonArray(feature :> JsonNode) ]) |> ignore
        send "Page.navigate" (with' [ "url", value (Uri(file).AbsoluteUri) ]) |> ignore
        this.WaitFor "document.readyState + location.protocol === 'completefile:'"

    /// Waits until a script returns true.
    member this.WaitFor(condition: string) = started.WaitUntil(condition, fun () -> this.Evaluate $"String({condition})" = "true")

    /// The result of a script as text.
    member _.Evaluate(script: string) : string =
        let parameters = with' [ "expression", value script; "returnByValue", JsonValue.Create true ]
        let result = (send "Runtime.evaluate" parameters)["result"]
        if isNull result then "" else string result["value"]

    interface IDisposable with
        member _.Dispose() =
            socket.Dispose()
            (started :> IDisposable).Dispose()
            (profile :> IDisposable).Dispose()
