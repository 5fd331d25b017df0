namespace ChannelDistillation.Tests.Runtime.Downloads

open System
open System.Collections.Concurrent
open System.IO
open System.Net
open System.Net.Sockets
open System.Text
open System.Threading

/// A client's request.
type Request =
    {
        /// `/part.gz`
        Path: string
        /// Start of its range; None: the whole file.
        From: int64 option
        /// Its credentials.
        Authorization: string option
    }

/// A server on this machine with arbitrary responses, including invalid ones.
type LocalServer(answer: Request -> Stream -> unit) =
    let requests = ConcurrentQueue<Request>()
    let listener = new TcpListener(IPAddress.Loopback, 0)

    let read (stream: Stream) =
        use reader = new StreamReader(stream, Encoding.ASCII, false, 1024, leaveOpen = true)

        let lines =
            List.unfold
                (fun () ->
                    match reader.ReadLine() with
                    | null
                    | "" -> None
                    | line -> Some(line, ()))
                ()

        let header (name: string) =
            lines
            |> List.tryPick (fun line ->
                if line.StartsWith(name, StringComparison.OrdinalIgnoreCase) then
                    Some(line.Substring name.Length)
                else
                    None)

        { Path = lines.Head.Split(' ')[1]
          From = header "Range: bytes=" |> Option.map (fun range -> Int64.Parse(range.TrimEnd '-'))
          Authorization = header "Authorization: " }

    let serve (client: TcpClient) =
        use client = client
        use stream = client.GetStream()

        try
            let request = read stream
            requests.Enqueue request
            answer request stream
        with
        | :? IOException
        | :? ObjectDisposedException -> () // the client has disconnected

    /// Threads of its own: tests that block those of the pool must not keep a client waiting.
    let start (work: unit -> unit) = Thread(work, IsBackground = true).Start()

    let rec accept () =
        let client = listener.AcceptTcpClient()
        start (fun () -> serve client)
        accept ()

    do
        listener.Start()

        start (fun () ->
            try
                accept ()
            with
            | :? SocketException
            | :? InvalidOperationException -> ()) // disposed

    member _.Address = Uri $"http://127.0.0.1:{(listener.LocalEndpoint :?> IPEndPoint).Port}/"
    member _.Requests = List.ofSeq requests

    interface IDisposable with
        member _.Dispose() = listener.Dispose()

/// Answers to write.
module Answer =
    let head (status: string) (headers: (string * string) list) (stream: Stream) =
        let lines = $"HTTP/1.1 {status}" :: "Connection: close" :: [ for name, value in headers -> $"{name}: {value}" ]
        stream.Write(Encoding.ASCII.GetBytes(String.Join("\r\n", lines) + "\r\n\r\n"))

    let status (text: string) (stream: Stream) = head text [ "Content-Length", "0" ] stream

    /// A whole file, whatever range was asked for.
    let whole (content: byte array) (stream: Stream) =
        head "200 OK" [ "Content-Length", string content.Length ] stream
        stream.Write content

    /// The range that was asked for, of which at most `most` bytes are sent before the connection is cut.
    let cutAfter (most: int) (content: byte array) (request: Request) (stream: Stream) =
        let from = request.From |> Option.map int |> Option.defaultValue 0
        let length = content.Length - from

        match request.From with
        | None -> head "200 OK" [ "Content-Length", string length ] stream
        | Some _ ->
            head
                "206 Partial Content"
                [ "Content-Length", string length; "Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}" ]
                stream

        stream.Write(content, from, min most length)

    /// The range that was asked for.
    let ranged (content: byte array) (request: Request) (stream: Stream) = cutAfter Int32.MaxValue content request stream
