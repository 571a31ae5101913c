/** The types of Express 5 are close enough to those of 4 for what the tests call. */
declare module 'express4' {
  import express from 'express'
  export default express
}
