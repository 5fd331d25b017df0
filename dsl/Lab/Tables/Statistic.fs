namespace ChannelDistillation.Lab.Tables

/// The values of a quantity over the seeds of a row.
type Statistic =
    { Values: float list }

    member this.Mean = if this.Values.IsEmpty then None else Some(List.average this.Values)

    /// Sample standard deviation (n - 1 in the denominator). None for fewer than two values.
    member this.Std =
        match this.Mean with
        | Some mean when this.Values.Length > 1 ->
            let squares = this.Values |> List.sumBy (fun value -> (value - mean) * (value - mean))
            Some(sqrt (squares / float (this.Values.Length - 1)))
        | _ -> None

    static member Nothing: Statistic = { Values = [] }
