/// Suggests corrections for an unknown word.
module ChannelDistillation.Dsl.Suggest

/// The edit distance of two words: insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
let distance (a: string) (b: string) =
    let table = Array2D.zeroCreate (a.Length + 1) (b.Length + 1)

    for i in 0 .. a.Length do
        table[i, 0] <- i

    for j in 0 .. b.Length do
        table[0, j] <- j

    for i in 1 .. a.Length do
        for j in 1 .. b.Length do
            let replaced = table[i - 1, j - 1] + (if a[i - 1] = b[j - 1] then 0 else 1)
            let best = min replaced (1 + min table[i - 1, j] table[i, j - 1])

            table[i, j] <-
                if i > 1 && j > 1 && a[i - 1] = b[j - 2] && a[i - 2] = b[j - 1] then
                    min best (1 + table[i - 2, j - 2])
                else
                    best

    table[a.Length, b.Length]

/// Removes differences that do not count: case, and the characters that join words.
let private plain (word: string) = word.ToLowerInvariant().Replace("-", "").Replace("_", "").Replace(" ", "")

/// Longer words are not names and are not compared.
let private longest = 60

/// Whether a candidate is too far from a word: more than a third of the letters differ. A word of two letters is near only candidates
/// with the same letters and at most one more, because almost any other two-letter word is one replacement away.
let private tooFar (word: string) (candidate: string) apart =
    if word.Length <= 2 && word.Length = candidate.Length then
        Seq.sort word |> Seq.toList <> (Seq.sort candidate |> Seq.toList)
    else
        let shorter = min word.Length candidate.Length
        // `cifar10` for `cifar`, `softly` for `soft`
        let extends = word.StartsWith candidate || candidate.StartsWith word
        apart > max 1 (if extends && shorter > 3 then 3 else shorter / 3)

/// The candidates that a word probably stands for, nearest first; at most three, often none.
let near (word: string) (candidates: string list) =
    if word.Length = 0 || word.Length > longest then
        []
    else
        let wanted = plain word

        let measured =
            candidates
            |> List.map (fun candidate -> candidate, distance wanted (plain candidate))
            |> List.filter (fun (candidate, apart) -> apart = 0 || not (tooFar wanted (plain candidate) apart))

        match measured with
        // `multistep` for `step`
        | [] ->
            candidates
            |> List.filter (fun candidate ->
                let candidate = plain candidate
                candidate.Length > 3 && (wanted.StartsWith candidate || wanted.EndsWith candidate))
            |> List.truncate 1
        | _ ->
            let best = measured |> List.map snd |> List.min

            measured |> List.filter (fun (_, apart) -> apart = best) |> List.map fst |> List.truncate 3
