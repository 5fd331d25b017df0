/// Addresses of downloads, and what is shown of them.
module ChannelDistillation.Tests.Runtime.Downloads.AddressTests

open System
open System.IO
open System.Text
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Tests.Runtime.Downloads.Scenes

let private redirectTo (location: string) _ (stream: Stream) = Answer.head "302 Found" [ "Location", location; "Content-Length", "0" ] stream

/// Waits as long as a busy machine needs, and retries at once.
let private patient = DownloadSettings(FirstWait = impatient.FirstWait, LongestWait = impatient.LongestWait, Retries = 1)

/// Everything that a fetch shows, ending with its error.
let private shown (settings: DownloadSettings) (scene: Scene) =
    let listener = Listener()

    try
        scene.FetchAs(settings, listener, CancellationToken.None)
        isRight scene
        listener.Said
    with :? MissingException as error ->
        listener.Said @ [ error.Message ]

let private refused (scene: Scene) (where: string) =
    Expect.equal
        (List.last (shown patient scene))
        ($"{scene.Url} could not be fetched: the server redirects {where}. Open the address in a browser, or "
         + $"download it elsewhere and put it into {scene.Folder} as part.gz.")
        "message"

    Expect.isEmpty scene.Files "nothing is left"

let private withUser (address: Uri) = UriBuilder(address, UserName = "zoe%40home", Password = "s%3Acret").Uri
let private basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes "zoe@home:s:cret")

/// The messages of a fetch from a mirror, and the mirror's requests.
let private shownBy (answer: Request -> Stream -> unit) (mirrorOf: Uri -> Uri) =
    use scene = new Scene(fun _ -> Answer.status "500 Internal Server Error")
    use mirror = new LocalServer(answer)
    let settings = DownloadSettings(Mirror = mirrorOf mirror.Address, FirstWait = patient.FirstWait, Retries = 1)
    shown settings scene |> List.map _.Replace(mirror.Address.Authority, "MIRROR"), mirror.Requests

[<Tests>]
let tests =
    testList
        "the address of a download"
        [ for what, location, where in
              [ "a file", "file:///etc/passwd", "to `file:///etc/passwd`, which is not an http or https address"
                "another kind of server", "ftp://elsewhere/part.gz", "to `ftp://elsewhere/part.gz`, which is not an http or https address"
                "no address", "http://[", "to `http://[`, which is not an http or https address"
                "nowhere", "", "to ``, which is not an http or https address"
                "an address with secrets", "gopher://ann:secret@elsewhere/a?key=secret", "to `elsewhere/a?...`, which is not an http or https address" ] do
              test $"A redirection to {what} is an error" {
                  use scene = new Scene(redirectTo location)
                  refused scene where
                  Expect.hasLength scene.Requests 1 "one request"
              }

          test "An endless redirection is an error" {
              use scene = new Scene(redirectTo "/part.gz")
              refused scene "more than 10 times"
              Expect.hasLength scene.Requests 11 "requests"
          }

          test "A mirror's user and query are sent but never shown" {
              let said, requests =
                  shownBy (Answer.ranged content) (fun address -> withUser (Uri(address, "all%20files/?key=secret#part")))

              Expect.equal said [ "Fetching part.gz (0.3 MB) from http://MIRROR/all%20files/part.gz?..." ] "said"
              Expect.equal requests [ { Path = "/all%20files/part.gz?key=secret"; From = None; Authorization = Some basic } ] "request"
          }

          test "A failing mirror shows neither user nor query" {
              for status in [ "403 Forbidden"; "503 Service Unavailable" ] do
                  let said, _ = shownBy (fun _ -> Answer.status status) (fun address -> withUser (Uri(address, "?key=secret")))
                  Expect.isGreaterThan said.Length 1 "it fails"

                  for line in said do
                      Expect.isFalse (line.Contains "cret" || line.Contains "zoe") $"no secret: {line}"
          }

          test "A redirecting mirror gets the user only on the same server" {
              use other = new LocalServer(Answer.ranged content)

              let said, requests =
                  shownBy
                      (fun request ->
                          match request.Path with
                          | "/part.gz" -> redirectTo "/moved/part.gz" request
                          | _ -> redirectTo (string (Uri(other.Address, "part.gz?key=1"))) request)
                      withUser

              Expect.hasLength said 1 "fetched"

              Expect.equal
                  (requests |> List.map (fun request -> request.Path, request.Authorization))
                  [ "/part.gz", Some basic; "/moved/part.gz", Some basic ]
                  "its own"

              Expect.equal other.Requests [ { Path = "/part.gz?key=1"; From = None; Authorization = None } ] "the other one's"
          } ]
